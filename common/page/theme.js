// theme: light, dark, or as the system has it. Runs before the first paint, so
// it is the one script that is no module.
(() => {
	const KEY = "gsr-theme";
	const root = document.documentElement;

	const kept = () => {
		try {
			return localStorage.getItem(KEY) ?? "system";
		} catch {
			return "system";
		}
	};
	const wear = (name) => {
		root.dataset.theme = name;
		window.dispatchEvent(new Event("gsr-theme"));
	};
	window.gsrTheme = {
		get: kept,
		set(name) {
			try {
				localStorage.setItem(KEY, name);
			} catch {
				// Not kept, then: it holds for this page.
			}
			wear(name);
		},
	};
	wear(kept());
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
		window.dispatchEvent(new Event("gsr-theme")),
	);
})();
