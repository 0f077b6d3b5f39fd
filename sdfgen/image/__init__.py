"""Program images, and the Microkit tool that packs them."""
