"""What a process tells about itself on a local port: `/metrics`, `/healthz`, `/readyz`. Off unless a port is set.

Nothing here stands on the way of an answer: figures are read when they are asked for, in threads of their own.
"""

from core.monitoring.server import PROCESSES, Monitor, monitored

__all__ = ["PROCESSES", "Monitor", "monitored"]
