"""Facts: boards, Microkit versions, and the data files that ship with the tool."""
