"""What `lightwork doctor` looks at, one module for each neighbour. Each check ends within seconds and never raises."""
