// The little that pages need beyond htmx: ask before what can't be undone, and no form sent twice by a double click.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") {
    const button = event.submitter;
    if (button) {
      window.setTimeout(() => { button.disabled = true; }, 0);
      window.setTimeout(() => { button.disabled = false; }, 8000);
    }
  }
});

// Coming back through the browser's history, buttons are fresh again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[method=post] button:disabled").forEach((button) => { button.disabled = false; });
});

// A demo sign-in fills the form; the person still presses the button.
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-fill-email]");
  if (!chosen) return;
  document.getElementById("email").value = chosen.dataset.fillEmail;
  document.getElementById("password").value = chosen.dataset.fillPassword;
  document.getElementById("password").form.querySelector("button").focus();
});
