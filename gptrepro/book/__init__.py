"""The book: notebooks executed through papermill, pages built by Jupyter Book, both only when needed.

build_book(root)   execute every notebook into ``_build`` and build the pages from the results
refresh(root)      execute notebooks in place: the only writer of stored outputs
"""

from gptrepro.errors import GptreproError

try:
    from gptrepro.book.build import build_book
    from gptrepro.book.contents import Contents, read_contents
    from gptrepro.book.execute import execute_notebook, execute_notebooks
    from gptrepro.book.refresh import refresh
except ModuleNotFoundError as error:
    raise GptreproError(
        f"The book needs {error.name}, which is missing: run `pip install -e '.[book]'` in the checkout."
    ) from error

__all__ = [
    "Contents",
    "build_book",
    "execute_notebook",
    "execute_notebooks",
    "read_contents",
    "refresh",
]
