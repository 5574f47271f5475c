"""Tests of the trainer that need neither a database nor a pre-trained model."""
