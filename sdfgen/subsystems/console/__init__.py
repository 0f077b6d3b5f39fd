"""The console subsystem: a UART driver, a multiplexer, and queues of everybody who has a console."""
