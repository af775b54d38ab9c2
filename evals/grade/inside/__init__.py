"""What runs inside the container beside the tests; only pytest can be imported there."""
