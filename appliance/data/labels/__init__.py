"""The labels of a task: their names, their order and the types that they hold between."""
