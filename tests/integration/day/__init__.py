"""A whole working day, said the same way on all three surfaces."""
