"""Fine-tuning, evaluation and prediction on top of core."""
