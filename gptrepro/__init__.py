"""gptrepro: an executable replication of the GPT-1, GPT-2 and GPT-3 papers."""

__version__ = "0.1.0"
