// A GPT-2 in plain JavaScript: the bytes-to-tokens of its tokenizer, the forward pass of one token after another with
// a cache of keys and values, and sampling. Its file is written by `gptrepro.checkpoints.browser`, its logits are held to
// PyTorch's by tests/book/test_talk.py.
"use strict";

(() => {
  const PIECES = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  class Tokenizer {
    // bytes: the byte of each of the first 256 ids; merges: [left id, right id, id of both], earlier ones first.
    constructor({ bytes, merges, endOfText }) {
      this.endOfText = endOfText;
      this.idOfByte = new Map(bytes.map((byte, id) => [byte, id]));
      this.bytesOfId = new Map(bytes.map((byte, id) => [id, [byte]]));
      this.merges = new Map();
      merges.forEach(([left, right, both], rank) => {
        this.merges.set(`${left} ${right}`, { rank, both });
        this.bytesOfId.set(both, [...this.bytesOfId.get(left), ...this.bytesOfId.get(right)]);
      });
      this.bytesOfId.set(endOfText, [...new TextEncoder().encode("<|endoftext|>")]);
    }

    encode(text) {
      return (text.match(PIECES) ?? []).flatMap((piece) => this.#merged(piece));
    }

    #merged(piece) {
      let ids = [...new TextEncoder().encode(piece)].map((byte) => this.idOfByte.get(byte));
      for (;;) {
        let first = null;
        for (let i = 0; i + 1 < ids.length; i++) {
          const merge = this.merges.get(`${ids[i]} ${ids[i + 1]}`);
          if (merge && (!first || merge.rank < first.rank)) first = { ...merge, left: ids[i], right: ids[i + 1] };
        }
        if (!first) return ids;
        const next = [];
        for (let i = 0; i < ids.length; i++) {
          if (ids[i] === first.left && ids[i + 1] === first.right) next.push(first.both), i++;
          else next.push(ids[i]);
        }
        ids = next;
      }
    }

    decode(ids) {
      return new TextDecoder().decode(Uint8Array.from(ids.flatMap((id) => this.bytesOfId.get(id))));
    }
  }

  // (in) -> (out): the rows of a matrix are its outputs.
  const project = ({ weight, bias }, x) => {
    const n = x.length;
    const out = new Float32Array(weight.length / n);
    for (let row = 0, at = 0; row < out.length; row++) {
      let sum = bias ? bias[row] : 0;
      for (let i = 0; i < n; i++) sum += weight[at++] * x[i];
      out[row] = sum;
    }
    return out;
  };

  const normalise = ({ weight, bias }, x, eps) => {
    const n = x.length;
    let mean = 0;
    let square = 0;
    for (const value of x) mean += value / n;
    for (const value of x) square += (value - mean) ** 2 / n;
    const scale = 1 / Math.sqrt(square + eps);
    return x.map((value, i) => (value - mean) * scale * weight[i] + bias[i]);
  };

  const gelu = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

  const softmax = (scores) => {
    const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = scores.map((score) => Math.exp(score - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  };

  class Gpt {
    constructor(file) {
      this.config = file.config;
      this.tokenizer = new Tokenizer(file.tokenizer);
      const { buffer } = bytesOf(file.weights);
      this.tensors = {};
      for (const [name, { rows, columns, scales, at }] of Object.entries(file.tensors)) {
        if (scales === null) {
          this.tensors[name] = new Float32Array(buffer.slice(at, at + 4 * columns));
          continue;
        }
        // A row of 8-bit numbers and its scale.
        const scale = new Float32Array(buffer.slice(scales, scales + 4 * rows));
        const small = new Int8Array(buffer, at, rows * columns);
        this.tensors[name] = Float32Array.from(small, (value, i) => value * scale[Math.floor(i / columns)]);
      }
      this.forget();
    }

    #part(name) {
      return { weight: this.tensors[`${name}.weight`], bias: this.tensors[`${name}.bias`] };
    }

    // Begin a new text.
    forget() {
      this.ids = [];
      this.keys = Array.from({ length: this.config.layers }, () => []);
      this.values = Array.from({ length: this.config.layers }, () => []);
      this.shares = [];
    }

    get full() {
      return this.ids.length === this.config.context;
    }

    // Read one token. Gives the scores of the next one, and what they would be after each layer: the final norm and the
    // output embedding put to the residual stream there, the embeddings first. `shares` then holds, for each position, layer
    // and head, how much it took from each position so far.
    append(id) {
      if (this.full) throw new Error(`the context of ${this.config.context} tokens is full`);
      const { width, heads, layers, eps } = this.config;
      const size = width / heads;
      const position = this.ids.push(id) - 1;
      const wte = this.tensors["wte.weight"];
      const wpe = this.tensors["wpe.weight"];
      let x = Float32Array.from({ length: width }, (_, i) => wte[id * width + i] + wpe[position * width + i]);
      const stream = [x];
      this.shares.push([]);
      for (let layer = 0; layer < layers; layer++) {
        const block = `h.${layer}`;
        const qkv = project(this.#part(`${block}.attn.c_attn`), normalise(this.#part(`${block}.ln_1`), x, eps));
        const query = qkv.subarray(0, width);
        const [keys, values] = [this.keys[layer], this.values[layer]];
        keys.push(qkv.subarray(width, 2 * width));
        values.push(qkv.subarray(2 * width));
        const mixed = new Float32Array(width);
        const shares = [];
        for (let head = 0; head < heads; head++) {
          const from = head * size;
          const scores = keys.map((key) => {
            let sum = 0;
            for (let i = from; i < from + size; i++) sum += query[i] * key[i];
            return sum / Math.sqrt(size);
          });
          const share = softmax(scores);
          shares.push(share);
          share.forEach((weight, t) => {
            for (let i = from; i < from + size; i++) mixed[i] += weight * values[t][i];
          });
        }
        this.shares[position].push(shares);
        const attended = project(this.#part(`${block}.attn.c_proj`), mixed);
        x = x.map((value, i) => value + attended[i]);
        const inner = project(this.#part(`${block}.mlp.c_fc`), normalise(this.#part(`${block}.ln_2`), x, eps));
        const thought = project(this.#part(`${block}.mlp.c_proj`), inner.map(gelu));
        x = x.map((value, i) => value + thought[i]);
        stream.push(x);
      }
      const guess = (at) => project({ weight: wte }, normalise(this.#part("ln_f"), at, eps));
      this.guesses = stream.map((at) => () => guess(at));
      this.logits = guess(x);
      return this.logits;
    }

    // Read a text from the start: the newest tokens where it is longer than the context.
    read(ids) {
      this.forget();
      for (const id of ids.slice(-this.config.context)) this.append(id);
    }
  }

  // The probabilities from which the next token is drawn, likeliest first: [[id, probability], ...]. At temperature 0 the
  // likeliest has all.
  const candidates = (logits, temperature, topK) => {
    const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, topK);
    if (temperature === 0) return order.map((id, rank) => [id, rank === 0 ? 1 : 0]);
    const chances = softmax(order.map((id) => logits[id] / temperature));
    return order.map((id, rank) => [id, chances[rank]]);
  };

  const draw = (chances) => {
    let left = Math.random();
    for (const [id, chance] of chances) if ((left -= chance) < 0) return id;
    return chances[0][0];
  };

  globalThis.gptrepro = { ...globalThis.gptrepro, Gpt, candidates, draw };
})();
