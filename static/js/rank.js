// Ranking by hand: choices are added, moved by button or by drag, and taken out. What is sent is the same as without
// scripts: a number for each choice, a tick for what is ruled out.
const top_ = document.querySelector("[data-list=ranked]");
const outList = document.querySelector("[data-list=out]");
const aloud = document.querySelector("[data-aloud]");
const most = Number(top_.dataset.most || Infinity);
let touched = false;

const rest = () => document.querySelector("[data-list=rest]");
const part = (item, name) => item.querySelector(`[data-do=${name}]`);
const number = (item) => item.querySelector("[data-number] input");
const tick = (item) => item.querySelector("input[type=checkbox]");

function say(kind, item) {
  const place = [...top_.children].indexOf(item) + 1;
  aloud.textContent = aloud.dataset[kind].replace("{title}", item.dataset.title).replace("{place}", place);
}

// Numbers and buttons as the lists now stand.
function settle() {
  const chosen = [...top_.children];
  document.querySelectorAll("[data-choice]").forEach((item) => {
    const at = chosen.indexOf(item);
    const ranked = at >= 0;
    item.querySelector("[data-number]").hidden = true;
    number(item).value = ranked ? at + 1 : "";
    const place = item.querySelector("[data-place]");
    place.hidden = !ranked;
    place.textContent = ranked ? at + 1 : "";
    place.style.touchAction = "none";
    part(item, "add").hidden = ranked || tick(item).checked;
    part(item, "add").disabled = chosen.length >= most;
    ["up", "down", "remove"].forEach((name) => { part(item, name).hidden = !ranked; });
    part(item, "up").disabled = at === 0;
    part(item, "down").disabled = at === chosen.length - 1;
  });
  document.querySelector("[data-empty]").hidden = chosen.length > 0;
}

function back(item) {
  const list = rest();
  if (list) list.prepend(item);
  else outList.append(item); // the filter shows nothing now: it must stay somewhere in the form
}

const acts = {
  add(item) {
    if (top_.children.length >= most) return say("full", item);
    top_.append(item);
    settle();
    part(item, "remove").focus();
    return say("moved", item);
  },
  up(item) {
    if (item.previousElementSibling) item.after(item.previousElementSibling); // the neighbour moves: focus stays
    settle();
    say("moved", item);
  },
  down(item) {
    if (item.nextElementSibling) item.before(item.nextElementSibling);
    settle();
    say("moved", item);
  },
  remove(item) {
    back(item);
    settle();
    part(item, "add").focus();
    say("removed", item);
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  touched = true;
  acts[button.dataset.do](button.closest("[data-choice]"));
});

document.addEventListener("change", (event) => {
  const item = event.target.closest("[data-choice]");
  if (event.target.form?.id === "ranking") touched = true;
  if (!item || event.target !== tick(item)) return;
  if (event.target.checked) {
    outList.append(item);
    outList.closest("details").open = true;
  } else {
    back(item);
  }
  settle();
  tick(item).focus();
});

// Dragging by the number, with mouse or finger: the neighbours move past what is dragged.
let dragged = null;
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest("[data-place]")) {
    dragged = event.target.closest("[data-choice]");
    event.preventDefault();
  }
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const before = dragged.previousElementSibling;
  const after = dragged.nextElementSibling;
  const middle = (item) => item.getBoundingClientRect().top + item.offsetHeight / 2;
  if (before && event.clientY < middle(before)) dragged.after(before);
  else if (after && event.clientY > middle(after)) dragged.before(after);
  else return;
  touched = true;
  settle();
});
["pointerup", "pointercancel"].forEach((kind) => document.addEventListener(kind, () => {
  if (dragged) say("moved", dragged);
  dragged = null;
}));

// Another page or filter of the rest: what was chosen or ruled out meanwhile does not stand there again.
document.addEventListener("htmx:afterSwap", () => {
  const said = new Set([...top_.children, ...outList.children].map((item) => item.dataset.choice));
  [...(rest()?.children || [])].filter((item) => said.has(item.dataset.choice)).forEach((item) => item.remove());
  settle();
});

document.getElementById("ranking").addEventListener("submit", () => { touched = false; });
window.addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
settle();
