"""The codes that the command line exits with."""

EXIT_BAD_VERDICT, EXIT_INPUT, EXIT_FAULT, EXIT_INTERRUPTED = 1, 2, 70, 130
