"""The platform's side of a Python function; named so that no customer module hides it."""
