"""Lets the scheduler of Prefect 3.8 insert runs under SQLAlchemy 2.1.

Prefect inserts scheduled runs in bulk with their `state`, a hybrid property beside the columns. SQLAlchemy 2.0 passed
over it; 2.1 refuses unless the property says what a bulk insert does with it
(https://github.com/sqlalchemy/sqlalchemy/issues/12496), and Prefect 3.8 says nothing: no run is ever planned. Remove
this when Prefect's own property has a `bulk_dml`, which `test_prefect_still_needs_the_patch` notices.
"""


def let_scheduler_insert() -> None:
    """Says that a bulk insert passes over `state`."""
    from prefect.server.database.orm_models import FlowRun

    vars(FlowRun)["state"].inplace.bulk_dml(lambda _class, _values, _state: None)
