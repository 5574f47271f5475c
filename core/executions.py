"""What Redis keeps of who carries out a job may run out before the job is done; its end is recorded all the same.

RQ keeps a hash for each execution as long as heartbeats come, and the ids of all executions of a job for a minute more.
Where a machine stood still, or the process before died, an id is left without its hash. RQ reads all of them when it
removes a job that has succeeded, takes the missing one for a failure of the job, and runs it again.
"""

from __future__ import annotations

from rq.executions import Execution, ExecutionRegistry
from rq.job import Job


class Executions(ExecutionRegistry):  # type: ignore[misc] # rq is read without types
    """The executions of a job, those among them of which nothing but the id is left."""

    def get_executions(self, start: int = 0, end: int = -1) -> list[Execution]:
        """All of them; what has run out is there by its id alone."""
        return [self._found(one) for one in self.get_execution_ids(start, end)]

    def _found(self, execution_id: str) -> Execution:
        try:
            return Execution.fetch(execution_id, self.job_id, connection=self.connection)
        except (ValueError, KeyError):  # gone; or gone, and half written again by a late heartbeat
            return Execution(execution_id, self.job_id, connection=self.connection)


class LastingJob(Job):  # type: ignore[misc] # rq is read without types
    """A job that can be removed whatever has become of its executions."""

    @property
    def execution_registry(self) -> Executions:
        """Who carries it out, or did."""
        return Executions(self.id, connection=self.connection)
