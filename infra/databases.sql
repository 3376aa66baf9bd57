-- The databases of a team's PostgreSQL, one per tool; `infra/compose.yaml`, `infra/kubernetes` and `stillhouse team` make them from here.
create database mlflow;
create database prefect;
create database ledger;
