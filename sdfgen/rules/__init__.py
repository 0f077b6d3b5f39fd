"""What must hold of any system: one small function and one stable code each.

A rule takes a `System` and yields a `Fault` for everything that breaks it. It never raises on
odd values: names may lead nowhere and numbers may be anything, since all rules run on every system.
"""
