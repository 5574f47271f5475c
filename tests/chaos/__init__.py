"""Real processes at work while one thing after another goes wrong; what people were told is then held against SQL."""
