"""Tables of a description, declared once: what reads, documents and types them."""
