"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const graph = at("graph"), view = at("view"), panel = at("panel");
  const looks = Object.fromEntries(data.kinds.map((kind) => [kind.name, kind]));

  function svg(name, attributes, parent) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (parent) parent.append(made);
    return made;
  }
  function element(name, text, parent, kind) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    if (parent) parent.append(made);
    return made;
  }

  // The picture

  const frames = svg("g", {}, view), lines = svg("g", {}, view), boxes = svg("g", {}, view);
  for (const group of data.groups) {
    group.shape = svg("g", {}, frames);
    svg("rect", {class: "frame", x: group.x, y: group.y, width: group.w, height: group.h, rx: 10}, group.shape);
    svg("text", {class: "title", x: group.x + 16, y: group.y + 26}, group.shape).textContent = group.label;
  }
  data.arrows.forEach((arrow, number) => {
    arrow.id = "e" + number;
    arrow.a = data.nodes[arrow.from];
    arrow.b = data.nodes[arrow.to];
    arrow.look = looks[arrow.kind].look;
    arrow.shape = svg("g", {class: "arrow", id: arrow.id}, lines);
    arrow.hit = svg("path", {class: "hit"}, arrow.shape);
    arrow.line = svg("path", {class: "line " + arrow.look, "marker-end": `url(#${arrow.look})`}, arrow.shape);
    svg("title", {}, arrow.shape).textContent = said(arrow);
    arrow.shape.addEventListener("click", () => choose(arrow));
  });
  // What is to be cut lies on top.
  for (const arrow of data.arrows) if (arrow.look === "cut") lines.append(arrow.shape);
  data.nodes.forEach((node, number) => {
    node.id = "n" + number;
    node.out = data.arrows.filter((arrow) => arrow.from === number);
    node.in = data.arrows.filter((arrow) => arrow.to === number);
    const label = `${node.name}: ${data.verb} ${node.out.length}, ${data.passive} ${node.in.length}`;
    node.shape = svg("g", {class: node.dashed ? "node dashed" : "node", id: node.id, tabindex: 0, role: "button", "aria-label": label}, boxes);
    svg("rect", {width: node.w, height: node.h, rx: 6}, node.shape);
    svg("text", {x: node.w / 2, y: node.detail ? 17 : node.h / 2 + 5}, node.shape).textContent = node.label;
    if (node.detail) svg("text", {class: "detail", x: node.w / 2, y: 32}, node.shape).textContent = node.detail;
    svg("title", {}, node.shape).textContent = label;
    node.shape.addEventListener("focus", () => reveal(node));
    node.shape.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node); panel.focus(); }
    });
    put(node);
  });
  data.arrows.forEach(draw);

  function said(arrow) { return `${arrow.a.name} ${data.verb} ${arrow.b.name}`; }

  function put(node) { node.shape.setAttribute("transform", `translate(${node.x} ${node.y})`); }

  function draw(arrow) {
    const {a, b} = arrow;
    const ax = a.x + a.w / 2, bx = b.x + b.w / 2;
    const lean = (node, way) => Math.max(-node.w * 0.38, Math.min(node.w * 0.38, way * 0.2));
    let path;
    if (a === b) {
      path = `M${a.x + a.w} ${a.y + 10}c40 -30 40 50 0 18`;
    } else if (b.y >= a.y + a.h + 10) {
      const x = ax + lean(a, bx - ax), to = bx + lean(b, ax - bx), bend = (b.y - a.y - a.h) / 2;
      path = `M${x} ${a.y + a.h}C${x} ${a.y + a.h + bend} ${to} ${b.y - bend} ${to} ${b.y}`;
    } else if (a.y >= b.y + b.h + 10) {
      // Upwards, past what stands between.
      const side = bx >= ax ? 1 : -1, out = 40 + (a.y - b.y) / 8;
      const x = ax + side * a.w * 0.42, to = bx + side * b.w * 0.42;
      path = `M${x} ${a.y}C${x + side * out} ${a.y - 50} ${to + side * out} ${b.y + b.h + 50} ${to} ${b.y + b.h}`;
    } else {
      const x = ax + lean(a, bx - ax), to = bx + lean(b, ax - bx), bend = Math.min(60, 20 + Math.abs(bx - ax) / 8);
      path = `M${x} ${a.y + a.h}C${x} ${a.y + a.h + bend} ${to} ${b.y + b.h + bend} ${to} ${b.y + b.h}`;
    }
    arrow.hit.setAttribute("d", path);
    arrow.line.setAttribute("d", path);
    arrow.line.classList.toggle("far", arrow.look !== "cut" && Math.abs(b.y - a.y) > 3 * a.h);
  }

  // Where the reader looks

  const eye = {x: 0, y: 0, k: 1};
  function look() { view.setAttribute("transform", `translate(${eye.x} ${eye.y}) scale(${eye.k})`); }
  function zoom(factor, x = graph.clientWidth / 2, y = graph.clientHeight / 2) {
    const k = Math.max(0.05, Math.min(4, eye.k * factor));
    eye.x = x - (x - eye.x) * k / eye.k;
    eye.y = y - (y - eye.y) * k / eye.k;
    eye.k = k;
    look();
  }
  function fit(shown = data.nodes.filter((node) => !node.off), most = 1.2) {
    if (!shown.length) return;
    const left = Math.min(...shown.map((node) => node.x)) - 60, top = Math.min(...shown.map((node) => node.y)) - 90;
    const right = Math.max(...shown.map((node) => node.x + node.w)) + 60;
    const bottom = Math.max(...shown.map((node) => node.y + node.h)) + 50;
    eye.k = Math.min(most, graph.clientWidth / (right - left), graph.clientHeight / (bottom - top));
    eye.x = (graph.clientWidth - (left + right) * eye.k) / 2;
    eye.y = (graph.clientHeight - (top + bottom) * eye.k) / 2;
    look();
  }
  function reveal(node) {
    const x = (node.x + node.w / 2) * eye.k + eye.x, y = (node.y + node.h / 2) * eye.k + eye.y;
    const inside = x > 40 && y > 30 && x < graph.clientWidth - 40 && y < graph.clientHeight - 30;
    if (inside && eye.k > 0.3) return;
    eye.k = Math.max(eye.k, 0.6);
    eye.x = graph.clientWidth / 2 - (node.x + node.w / 2) * eye.k;
    eye.y = graph.clientHeight / 2 - (node.y + node.h / 2) * eye.k;
    look();
  }

  const held = new Map();
  let taken = null, moved = 0, apart = 0;
  graph.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = graph.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  graph.addEventListener("pointerdown", (event) => {
    const shape = event.target.closest(".node");
    held.set(event.pointerId, event);
    taken = shape && held.size === 1 ? data.nodes[Number(shape.id.slice(1))] : null;
    moved = apart = 0;
  });
  graph.addEventListener("pointermove", (event) => {
    const last = held.get(event.pointerId);
    if (!last) return;
    const x = event.clientX - last.clientX, y = event.clientY - last.clientY;
    held.set(event.pointerId, event);
    moved += Math.abs(x) + Math.abs(y);
    if (held.size === 2) {
      const [one, other] = [...held.values()];
      const now = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      if (apart) zoom(now / apart);
      apart = now;
    } else if (taken && moved > 4) {
      taken.x += x / eye.k;
      taken.y += y / eye.k;
      put(taken);
      [...taken.out, ...taken.in].forEach(draw);
    } else if (!taken && moved > 4) {
      // Only now: a pointer that is captured clicks on nothing else.
      graph.setPointerCapture(event.pointerId);
      graph.classList.add("moving");
      eye.x += x;
      eye.y += y;
      look();
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    graph.addEventListener(end, (event) => {
      held.delete(event.pointerId);
      graph.classList.remove("moving");
      if (taken && moved <= 4 && end === "pointerup") choose(taken);
      else if (!taken && moved <= 4 && !event.target.closest(".arrow")) choose(null);
      taken = null;
    });
  }

  // What is looked into

  let chosen = null;
  function choose(one) {
    chosen = one;
    const near = new Set();
    if (one && one.a) [one, one.a, one.b].forEach((each) => near.add(each));
    else if (one) [one, ...one.out, ...one.in, ...one.out.map((each) => each.b), ...one.in.map((each) => each.a)].forEach((each) => near.add(each));
    for (const each of [...data.nodes, ...data.arrows]) {
      each.shape.classList.toggle("near", near.has(each));
      each.shape.classList.toggle("chosen", each === one);
    }
    view.classList.toggle("dim", one !== null);
    panel.replaceChildren();
    panel.scrollTop = 0;
    if (!one) overview();
    else if (one.a) tell(one);
    else describe(one);
    try { history.replaceState(null, "", one ? "#" + one.id : location.pathname + location.search); } catch { /* a browser that has no history for files */ }
  }
  // What was not chosen where it stands is brought into sight, with what it touches.
  function visit(one) {
    fit(one.a ? [one.a, one.b] : [one, ...one.out.map((each) => each.b), ...one.in.map((each) => each.a)].filter((each) => !each.off));
    if (eye.k < 0.3) reveal(one.a || one);
  }
  function entry(list, text, more, target, kind) {
    const button = element("button", text, element("li", "", list), kind);
    button.type = "button";
    if (more) element("small", more, button);
    button.addEventListener("click", () => { choose(target); visit(target); });
  }
  function listed(title, arrows, name, more = (arrow) => arrow.notes[0] || looks[arrow.kind].label) {
    if (!arrows.length) return;
    element("h3", title, panel);
    const list = element("ul", "", panel);
    for (const arrow of arrows) entry(list, name(arrow), more(arrow), arrow, arrow.look);
  }
  function overview() {
    element("h2", document.title, panel);
    element("p", at("summary").textContent, panel);
    element("p", "Choose a box or an arrow. Drag to move, wheel or + and - to zoom, 0 fits, / searches, Escape goes back; Tab and Enter reach every box.", panel, "faint");
    const cuts = data.arrows.filter((arrow) => arrow.look === "cut" && !arrow.off);
    listed(`${data.listed} (${cuts.length})`, cuts, (arrow) => `${arrow.a.label} → ${arrow.b.label}`);
    const list = data.nodes.filter((node) => !node.off).sort((a, b) => b.in.length + b.out.length - a.in.length - a.out.length);
    element("h3", `Boxes (${list.length})`, panel);
    const all = element("ul", "", panel);
    for (const node of list) entry(all, node.name, `${node.out.length} out, ${node.in.length} in`, node, "");
  }
  function back() {
    const button = element("button", "← all", panel);
    button.type = "button";
    button.addEventListener("click", () => choose(null));
  }
  function describe(node) {
    back();
    element("h2", node.name, panel);
    element("p", data.groups[node.group].label, panel, "faint");
    listed(`${data.verb} (${node.out.length})`, node.out, (arrow) => arrow.b.name);
    listed(`${data.passive} (${node.in.length})`, node.in, (arrow) => arrow.a.name);
  }
  function tell(arrow) {
    back();
    element("h2", said(arrow), panel);
    element("p", looks[arrow.kind].label, panel, "faint");
    for (const note of arrow.notes) element("p", note, panel, arrow.look === "cut" ? "note" : "");
    const list = element("dl", "", panel);
    for (const [where, what] of arrow.rows) {
      element("dt", where, list);
      element("dd", what, list);
    }
    const ends = element("ul", "", panel);
    entry(ends, arrow.a.name, "", arrow.a, "");
    entry(ends, arrow.b.name, "", arrow.b, "");
  }

  // What is shown and found

  const group = at("group"), search = at("search");
  data.groups.forEach((each, number) => {
    element("option", each.label, group).value = String(number);
  });
  if (data.groups.length < 2) group.parentElement.classList.add("off");
  for (const kind of data.kinds) {
    const label = element("label", "", at("kinds"));
    const box = element("input", "", label);
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => { kind.off = !box.checked; filter(); });
    const sample = svg("svg", {viewBox: "0 0 26 8", "aria-hidden": "true"}, label);
    svg("path", {class: "line " + kind.look, d: "M1 4H25"}, sample);
    const number = data.arrows.filter((arrow) => arrow.kind === kind.name).length;
    element("span", `${kind.label} (${number})`, label);
  }
  function filter() {
    const only = group.value;
    const hide = (each, off) => { each.off = off; each.shape.classList.toggle("off", off); };
    data.groups.forEach((each, number) => hide(each, only !== "" && only !== String(number)));
    const touched = new Set();
    for (const arrow of data.arrows) {
      const inside = only === "" || [arrow.a, arrow.b].some((node) => String(node.group) === only);
      hide(arrow, looks[arrow.kind].off || !inside);
      if (!arrow.off) { touched.add(arrow.a); touched.add(arrow.b); }
    }
    for (const node of data.nodes) hide(node, only !== "" && String(node.group) !== only && !touched.has(node));
    if (!chosen) choose(null);
  }
  group.addEventListener("change", () => { choose(null); filter(); fit(); });
  let place = 0;
  function find(step) {
    const wanted = search.value.trim().toLowerCase();
    const hits = wanted ? data.nodes.filter((node) => !node.off && node.name.toLowerCase().includes(wanted)) : [];
    for (const node of data.nodes) node.shape.classList.toggle("match", hits.includes(node));
    at("found").textContent = wanted ? `${hits.length} found` : "";
    if (!hits.length) return;
    place = step ? (place + step + hits.length) % hits.length : 0;
    if (step) { choose(hits[place]); visit(hits[place]); } else reveal(hits[place]);
  }
  search.addEventListener("input", () => { place = -1; find(0); place = -1; });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") find(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") { search.value = ""; find(0); graph.focus(); }
  });

  // The keyboard, and dark or light

  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]}[event.key];
    if (step && event.target.closest("#graph")) {
      eye.x += step[0];
      eye.y += step[1];
      look();
    } else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") fit();
    else if (event.key === "/") search.focus();
    else if (event.key === "Escape") { const last = chosen; choose(null); (last && !last.a ? last.shape : graph).focus(); }
    else return;
    event.preventDefault();
  });
  at("in").addEventListener("click", () => zoom(1.25));
  at("out").addEventListener("click", () => zoom(0.8));
  at("fit").addEventListener("click", () => fit());
  const root = document.documentElement;
  root.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
  at("theme").addEventListener("click", () => root.classList.toggle("dark"));
  addEventListener("resize", () => { if (!chosen && !held.size) fit(); });

  const first = [...data.nodes, ...data.arrows].find((each) => "#" + each.id === location.hash);
  filter();
  fit();
  if (first) { choose(first); visit(first); } else choose(null);
  graph.dataset.ready = "true";
})();
