"""Device trees as values, text and blobs."""
