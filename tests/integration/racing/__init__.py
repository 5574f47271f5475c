"""Many threads in several processes answer the same items."""
