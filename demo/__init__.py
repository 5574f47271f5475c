"""The demo: 102 real people's answers to 1000 tweets, given again through the real product."""
