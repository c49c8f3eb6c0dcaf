// A page that lets a model write: a slider over the samples that the record holds, and, once asked for, the model itself.
// Without scripts all stored samples stand there.
"use strict";

(() => {
  const here = document.currentScript.src;

  const make = (tag, properties = {}, ...children) => {
    const { data = {}, ...others } = properties;
    const element = Object.assign(document.createElement(tag), others);
    Object.assign(element.dataset, data);
    element.append(...children);
    return element;
  };

  const percent = (share) => (share >= 0.0995 ? `${Math.round(100 * share)}%` : `${(100 * share).toFixed(1)}%`);

  // What can be seen of a token: its spaces and line ends, too.
  const visible = (text) => text.replaceAll("\n", "⏎").replace(/^ +| +$/g, (spaces) => "·".repeat(spaces.length));

  let serial = 0;
  const slider = (label, settings, say, changed) => {
    const id = `talk-${++serial}`;
    const input = make("input", { type: "range", id, ...settings });
    const output = make("span", { className: "talk-value", ariaHidden: "true" }); // the slider says it, too
    const update = () => {
      output.textContent = say(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => (update(), changed()));
    update();
    return { input, update, row: make("div", { className: "talk-slider" }, make("label", { htmlFor: id, textContent: label }), input, output) };
  };

  const overMilestones = (stored) => {
    const shown = [...stored.querySelectorAll("figure")];
    const show = () => shown.forEach((figure, i) => (figure.hidden = i !== Number(input.value)));
    const { input, row } = slider(
      "How much has it read?",
      { min: 0, max: shown.length - 1, step: 1, value: shown.length - 1 },
      (i) => shown[i].dataset.read,
      () => show(),
    );
    stored.prepend(row);
    show();
  };

  const load = (name) =>
    new Promise((resolve, reject) => {
      const script = make("script", { src: new URL(name, here).href });
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => reject(new Error(`${name} did not load`)));
      document.head.append(script);
    });

  const talk = (box) => {
    const { Gpt, candidates, draw } = globalThis.gptrepro;
    const gpt = new Gpt(globalThis.gptreproModel);
    const { layers, heads, context } = gpt.config;
    let ids = [];
    let running = 0;

    const prompt = make("textarea", { id: "talk-prompt", rows: 2, value: box.dataset.prompt, spellcheck: false });
    const temperature = slider("Temperature", { min: 0, max: 2, step: 0.1, value: 0.8 }, (t) => t.toFixed(1), () => bars());
    const topK = slider("Top-k", { min: 1, max: 100, step: 1, value: 40 }, String, () => bars());
    const layer = slider(
      "Guess after layer",
      { min: 0, max: layers, step: 1, value: layers },
      (n) => (n === 0 ? "0, the embeddings" : n === layers ? `${n}, the last` : String(n)),
      () => bars(),
    );
    const head = make("select", { id: "talk-head" });
    for (let l = 0; l < layers; l++)
      for (let h = 0; h < heads; h++)
        head.append(make("option", { value: `${l} ${h}`, textContent: `layer ${l + 1}, head ${h + 1}` }));
    const write = make("button", { type: "button", textContent: "Write 60 tokens" });
    const one = make("button", { type: "button", textContent: "One token" });
    const back = make("button", { type: "button", textContent: "Back to the prompt" });
    const text = make("div", { className: "talk-text", role: "group" });
    text.setAttribute("aria-label", "Text, token by token");
    const said = make("p", { className: "talk-said" });
    said.setAttribute("role", "status");
    const list = make("ol", { className: "talk-bars" });
    const heading = make("p", { className: "talk-heading", id: "talk-heading" });
    list.setAttribute("aria-labelledby", "talk-heading");

    // A text longer than the context is read from its middle: the newest half stays.
    const add = (id) => {
      ids.push(id);
      if (gpt.full) gpt.read(ids.slice(-Math.floor(context / 2)));
      else gpt.append(id);
    };
    const begin = () => {
      ids = gpt.tokenizer.encode(prompt.value);
      if (!ids.length) ids = [gpt.tokenizer.endOfText];
      gpt.read(ids);
      tokens();
      bars();
    };

    const tokens = () => {
      const focused = [...text.children].indexOf(document.activeElement);
      text.replaceChildren(
        ...gpt.ids.map((id, i) => {
          const token = make("button", { type: "button", tabIndex: i === gpt.ids.length - 1 ? 0 : -1 });
          token.textContent = gpt.tokenizer.decode([id]).replaceAll("\n", "⏎\n");
          token.addEventListener("mouseenter", () => look(i));
          token.addEventListener("focus", () => look(i));
          return token;
        }),
      );
      if (focused >= 0) text.children[Math.min(focused, text.children.length - 1)].focus();
    };
    text.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const all = [...text.children];
      const next = all[all.indexOf(document.activeElement) + step];
      if (!step || !next) return;
      event.preventDefault();
      for (const token of all) token.tabIndex = token === next ? 0 : -1;
      next.focus();
    });

    const look = (i) => {
      const [l, h] = head.value.split(" ").map(Number);
      const shares = gpt.shares[i][l][h];
      [...text.children].forEach((token, t) => {
        token.style.setProperty("--share", `${Math.round(100 * (shares[t] ?? 0))}%`);
        token.classList.toggle("talk-from", t === i);
      });
      const most = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, 3);
      const named = (t) => `“${visible(gpt.tokenizer.decode([gpt.ids[t]]))}”`;
      const targets = most.map((t) => `${t === i ? "itself" : named(t)} ${percent(shares[t])}`);
      said.textContent = `${named(i)} looks at ${targets.join(", ")}.`;
    };
    head.addEventListener("change", () => look(Math.max(0, [...text.children].findIndex((t) => t.tabIndex === 0))));

    const bars = () => {
      const after = Number(layer.input.value);
      const scores = after === layers ? gpt.logits : gpt.guesses[after]();
      const chances = candidates(scores, Number(temperature.input.value), Number(topK.input.value));
      heading.textContent =
        after === layers ? "The next token; choose one to go on with it" : `What would come next after layer ${after}`;
      list.replaceChildren(
        ...chances.slice(0, 10).map(([id, chance]) => {
          const token = make("button", { type: "button", textContent: visible(gpt.tokenizer.decode([id])) });
          token.setAttribute("aria-label", `${visible(gpt.tokenizer.decode([id]))}, ${percent(chance)}`);
          token.addEventListener("click", () => (add(id), tokens(), bars(), list.querySelector("button").focus()));
          const bar = make("span", { className: "talk-bar", ariaHidden: "true" }, make("span"));
          bar.firstChild.style.width = `${100 * chance}%`;
          return make("li", {}, token, bar, make("span", { textContent: percent(chance) }));
        }),
      );
    };

    const next = () => add(draw(candidates(gpt.logits, Number(temperature.input.value), Number(topK.input.value))));
    const stop = () => {
      running = 0;
      write.textContent = "Write 60 tokens";
    };
    write.addEventListener("click", () => {
      if (running) return stop();
      running = 60;
      write.textContent = "Stop";
      const from = ids.length;
      const step = () => {
        if (!running) return;
        next();
        tokens();
        bars();
        if (--running) return setTimeout(step, 0);
        stop();
        said.textContent = `It wrote: ${gpt.tokenizer.decode(ids.slice(from))}`;
      };
      step();
    });
    one.addEventListener("click", () => (next(), tokens(), bars()));
    back.addEventListener("click", () => (stop(), begin()));
    prompt.addEventListener("input", () => (stop(), begin()));

    box.replaceChildren(
      make("label", { htmlFor: "talk-prompt", textContent: "Your prompt" }),
      prompt,
      make("div", { className: "talk-buttons" }, write, one, back),
      temperature.row,
      topK.row,
      layer.row,
      make("div", { className: "talk-columns" },
        make("div", {}, heading, list),
        make("div", {},
          make("div", { className: "talk-slider" }, make("label", { htmlFor: "talk-head", textContent: "Attention of" }), head),
          make("p", { className: "talk-heading", textContent: "Hover a token, or move with the arrow keys, to see whom it looks at" }),
          text,
          said,
        ),
      ),
    );
    begin();
    prompt.focus();
  };

  const invite = (box) => {
    const button = make("button", { type: "button", textContent: `Load the model (${box.dataset.size})` });
    const status = make("p", { className: "talk-said" });
    status.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await load("gpt.js");
        await load("model.js");
        talk(box);
      } catch (error) {
        button.disabled = false;
        status.textContent = `The model could not be loaded: ${error.message}.`;
      }
    });
    box.replaceChildren(make("div", { className: "talk-buttons" }, button), status);
  };

  const start = () => {
    // A page with two blocks names this script twice.
    for (const box of document.querySelectorAll(".talk:not([data-ready])")) {
      box.dataset.ready = "yes";
      (box.matches(".talk-live") ? invite : overMilestones)(box);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
