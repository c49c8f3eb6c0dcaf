"""Commands for readers' own texts: train, evaluate, generate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gptrepro.cli.printing import AsJson, print_json, require_one_process
from gptrepro.cli.training_options import ConfigFile, takes_settings
from gptrepro.errors import TIME_IS_UP, GptreproError
from gptrepro.train.settings import TrainSettings

app = typer.Typer()
eval_app = typer.Typer(no_args_is_help=True, help="Evaluate a checkpoint: perplexity or completions.")
app.add_typer(eval_app, name="eval")

Checkpoint = Annotated[
    Path,
    typer.Option(
        help="A folder written by train, or a transformers folder of GPT-1 or GPT-2; org/name or "
        "org/name@revision on the hub; a published model whose weights were released."
    ),
]
Context = Annotated[
    int | None, typer.Option(help="Tokens to read at once.", show_default="as many as it was trained on")
]
Separator = Annotated[
    str | None,
    typer.Option(
        help="What ends documents in a text file, or none.", show_default="lines that are <|endoftext|>"
    ),
]

Device = Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")]


@app.command()
@takes_settings
def train(
    model: Annotated[
        str,
        typer.Option(
            help="A published model or a JSON file of DecoderConfig fields, untrained; or a checkpoint to go "
            "on from: a folder, or org/name or org/name@revision on the hub."
        ),
    ],
    text: Annotated[
        str,
        typer.Option(
            help="A data set by name; a file or folder of .txt, .md, .jsonl, .parquet, also .gz; or "
            "hub:org/set:column."
        ),
    ],
    output: Annotated[Path, typer.Option(help="The checkpoint folder to write.")],
    settings: TrainSettings,
    tokenizer: Annotated[
        str | None, typer.Option(help="gpt1, gpt2, train-gpt1, train-gpt2, or a folder.")
    ] = None,
    heldout: Annotated[str | None, typer.Option(help="A text to evaluate on.")] = None,
    heldout_share: Annotated[
        float | None, typer.Option(help="Evaluate on so much of the text, which is held out.")
    ] = None,
    keep_best: Annotated[
        bool, typer.Option("--keep-best", help="Save the weights that were best when evaluated.")
    ] = False,
    separator: Separator = None,
    column: Annotated[str, typer.Option(help="Of .jsonl and .parquet: what holds the text.")] = "text",
    minutes: Annotated[float | None, typer.Option(help="Stop, everything saved, after so long.")] = None,
    device: Device = "auto",
    log_to: Annotated[
        str | None, typer.Option(help="Show the course in tensorboard, trackio or wandb.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Train a model on a text; the same command goes on where it stopped.

    Exit status: 0 finished, 75 time is up, 130 interrupted (both saved), 1 an error.
    """
    require_one_process()
    from gptrepro.own_text import train_on_text

    result = train_on_text(
        model=model,
        text=text,
        output=output,
        tokenizer=tokenizer,
        settings=settings,
        heldout=heldout,
        heldout_share=heldout_share,
        keep_best=keep_best,
        separator=separator,
        column=column,
        minutes=minutes,
        device=device,
        log_to=log_to,
    )
    last = result.history[-1] if result.history else {}
    state = "finished" if result.finished else "time is up; the same command goes on"
    loss = f", loss {last['loss']:.3f}" if "loss" in last else ""
    typer.echo(f"{state}: step {result.step} of {settings.steps}, {result.tokens:,} tokens{loss}")
    if "heldout_perplexity" in last:
        typer.echo(f"held-out perplexity {last['heldout_perplexity']:.2f}")
    typer.echo(f"checkpoint in {output}")
    if not result.finished:
        raise typer.Exit(TIME_IS_UP)


@eval_app.command()
def perplexity(
    checkpoint: Checkpoint,
    text: Annotated[str, typer.Option(help="A data set by name, or a text of your own, as for train.")],
    split: Annotated[str, typer.Option(help="The data set's split.")] = "heldout",
    stride: Annotated[int | None, typer.Option(help="Overlap windows, moving by so many tokens.")] = None,
    context: Context = None,
    separator: Separator = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Perplexity of a text, per token, word and byte."""
    from gptrepro.own_text import perplexity_of

    found = perplexity_of(
        checkpoint, text, split=split, stride=stride, context=context, separator=separator, device=device
    )
    if as_json:
        print_json(found)
        return
    for unit in ("token", "word", "byte"):
        typer.echo(f"perplexity per {unit}: {found[f'perplexity_per_{unit}']:.3f}")
    typer.echo(
        f"bits per byte: {found['bits_per_byte']:.4f} over {found['tokens']:,} tokens, "
        f"{found['context']:,} at once"
    )


@eval_app.command()
def completions(
    checkpoint: Checkpoint,
    jsonl: Annotated[Path, typer.Option(help='Rows {"context": ..., "completion": ...}.')],
    context: Context = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """How likely each completion is, and whether greedy decoding would write it."""
    from gptrepro.own_text import completions_of

    found = completions_of(checkpoint, jsonl, context=context, device=device)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['rows']} rows, exact match {found['exact_match']:.3f}")
    typer.echo(f"log-likelihood: {found['mean_log_likelihood']:.3f} nats a row")
    if cut := sum(row["dropped"] > 0 for row in found["scores"]):
        typer.echo(f"{cut} contexts were too long and lost their beginning")


@eval_app.command()
def labels(
    checkpoint: Annotated[Path, typer.Option(help="A folder written by finetune.")],
    rows: Annotated[Path, typer.Option(help="Labelled rows of the same form, as JSON lines.")],
    as_json: AsJson = False,
) -> None:
    """How often a fine-tuned model gives rows their labels; with --json each row's prediction."""
    from gptrepro.own_labels import labels_of

    found = labels_of(checkpoint, rows)
    if as_json:
        print_json(found)
        return
    scores = [f"{name} {value:.3f}" for name, value in found.items() if isinstance(value, float)]
    typer.echo(f"{found['rows']} rows, {', '.join(scores)}")


@eval_app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def harness(context: typer.Context, checkpoint: Checkpoint) -> None:
    """Run lm-evaluation-harness; all further options are its own.

    Such as: --tasks lambada_openai,hellaswag --limit 100 --output_path results
    """
    from gptrepro.harness import run_harness

    run_harness(str(checkpoint), context.args)


@app.command()
def finetune(
    checkpoint: Checkpoint,
    rows: Annotated[Path, typer.Option(help="Labelled rows, as JSON lines.")],
    kind: Annotated[str, typer.Option(help="classification, entailment, similarity or choice.")],
    output: Annotated[Path, typer.Option(help="The folder to write.")],
    heldout: Annotated[
        Path | None, typer.Option(help="Rows to score on.", show_default="a tenth of the rows")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Times that each row is read.", show_default="3")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in one update.", show_default="32")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The highest of the schedule.", show_default="6.25e-5")
    ] = None,
    lm_weight: Annotated[
        float | None, typer.Option(help="Weight of the language model's loss.", show_default="0.5")
    ] = None,
    seed: Annotated[int, typer.Option(help="For new weights, order and dropout.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fine-tune a checkpoint on labelled rows as GPT-1 does; the same command goes on where it stopped.

    A row is {"text", "label"} (classification), {"premise", "hypothesis", "label"} (entailment),
    {"first", "second", "label" or "score"} (similarity) or {"context", "answers", "label"} (choice, the label
    the number of the right answer from 0).
    """
    from gptrepro.own_labels import fine_tune_on_rows, recipe_of

    found = fine_tune_on_rows(
        checkpoint=checkpoint,
        rows=rows,
        kind=kind,
        output=output,
        heldout=heldout,
        recipe=recipe_of(
            epochs=epochs, batch_size=batch_size, peak_learning_rate=learning_rate, lm_weight=lm_weight
        ),
        seed=seed,
    )
    if as_json:
        print_json(found)
        return
    scores = [f"{name} {value:.3f}" for name, value in found.items() if isinstance(value, float)]
    typer.echo(f"{found['updates']} updates on {found['rows']} rows")
    typer.echo(f"{found['heldout_rows']} held-out rows: {', '.join(scores)}")
    typer.echo(f"fine-tuned model in {output}")


@app.command()
def generate(
    checkpoint: Checkpoint,
    prompt: Annotated[str | None, typer.Option(help="The text to continue.")] = None,
    prompts: Annotated[
        Path | None, typer.Option(help='A file of them: one a line, or .jsonl rows {"prompt": ...}.')
    ] = None,
    samples: Annotated[int, typer.Option(help="Continue each prompt so often.")] = 1,
    tokens: Annotated[int, typer.Option(help="The most tokens to write; the window slides.")] = 64,
    temperature: Annotated[float, typer.Option(help="0 always takes the likeliest token.")] = 0.0,
    top_k: Annotated[int | None, typer.Option(help="Sample among the k likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Sample among the likeliest that sum to p.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="Texts that end the continuation.")] = None,
    seed: Annotated[int, typer.Option(help="For sampling.")] = 0,
    context: Context = None,
    special_tokens: Annotated[
        bool, typer.Option("--special-tokens", help="Read <|endoftext|> in the prompt as that token.")
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Continue a prompt, or each prompt of a file."""
    from gptrepro.own_text import continue_prompts, read_prompts

    if (prompt is None) == (prompts is None):
        raise GptreproError("Give --prompt with a text, or --prompts with a file of them.")
    asked = [prompt] if prompt is not None else read_prompts(prompts or Path())
    found = continue_prompts(
        checkpoint,
        asked,
        samples=samples,
        tokens=tokens,
        context=context,
        special_tokens=special_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=stop or (),
        seed=seed,
        device=device,
    )
    rows = [
        {"prompt": before, "sample": number, "continuation": text}
        for before, texts in zip(asked, found, strict=True)
        for number, text in enumerate(texts)
    ]
    if as_json:
        print_json(rows if len(rows) > 1 or prompts else rows[0])
        return
    typer.echo("\n---\n".join(f"{row['prompt']}{row['continuation']}" for row in rows))
