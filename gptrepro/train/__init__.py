"""Training: optimiser, schedules, the loop and its checkpoints. Read `gptrepro.train.loop` first.

Nothing is imported here, so that `gptrepro.train.settings` can be had without torch: the command makes its
options of it.
"""
