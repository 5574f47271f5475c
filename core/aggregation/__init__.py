"""Pure algorithms of the crowd: tables and numbers in, numbers out; no database, no clock, no chat."""
