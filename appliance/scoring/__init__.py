"""From a model's replies to answers: all that a device needs to answer a row."""
