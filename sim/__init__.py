"""The outside world: everything the server meets that is not ours, and a patrol day in it."""
