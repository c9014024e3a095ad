"""Questions about a published result, answered by a named officer."""
