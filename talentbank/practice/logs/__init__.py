"""Practice logs: kept by the student, sent to the supervisor, with the files that stand behind them."""
