// element: HTML made of values, never of text: what a daemon says is shown, not
// run.

// Attributes; "on:EVENT" is a listener, true is an empty attribute, and false,
// null and undefined are none.
export function h(tag, attributes = {}, ...inside) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on:")) made.addEventListener(name.slice(3), value);
		else if (name === "value") made.value = value;
		else if (value === true) made.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined)
			made.setAttribute(name, value);
	}
	if (tag === "option" && "value" in attributes) made.setAttribute("value", attributes.value);
	made.append(...some(inside));
	return made;
}

const some = (inside) =>
	inside.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false);

// In the place of all that is there.
export function put(place, ...inside) {
	place.replaceChildren(...some(inside));
	return place;
}

// What had the focus has it again after its surroundings were made anew.
export function renew(place, ...inside) {
	const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
	put(place, ...inside);
	if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
	return place;
}
