"""The labeling system: knows no chat platform and no deep learning."""
