// Dark, light, or as the system is.

const key = "strait-theme", words = ["auto", "light", "dark"];

export function theme(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = words.includes(localStorage.getItem(key)) ? localStorage.getItem(key) : "auto";
  const show = () => {
    document.documentElement.dataset.theme = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    button.textContent = chosen[0].toUpperCase() + chosen.slice(1);
    button.setAttribute("aria-label", "Theme: " + (chosen === "auto" ? "as the system" : chosen) + "; change it");
  };
  button.addEventListener("click", () => {
    chosen = words[(words.indexOf(chosen) + 1) % words.length];
    localStorage.setItem(key, chosen);
    show();
  });
  system.addEventListener("change", show);
  show();
}
