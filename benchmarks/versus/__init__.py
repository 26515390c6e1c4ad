"""The parts of benchmarks/versus_app_queue.py: each measures both systems in turn and says what came of it."""
