"""Chat: surfaces, dialogues and cards on top of core."""
