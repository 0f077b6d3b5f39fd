"""libFuzzer targets for the C that reads hostile memory, and what builds and runs them."""
