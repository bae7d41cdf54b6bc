// @ts-check
/** A dialog that is made at need and leaves the page when it closes. Escape closes it. */

import { button, element } from "./element.js";

let count = 0;

export class Dialog {
  /** @param {HTMLElement} root @param {string} name  of its hook, `data-NAME-dialog` @param {string} title */
  constructor(root, name, title) {
    const heading = element("h2", { id: `dialog-${(count += 1)}` }, title);
    this.root = root;
    this.body = element("form", { method: "dialog" }, heading);
    const attributes = { class: "dialog", [`data-${name}-dialog`]: "", "aria-labelledby": heading.id };
    this.node = /** @type {HTMLDialogElement} */ (element("dialog", attributes, this.body));
    this.node.addEventListener("close", () => this.node.remove());
  }

  /** Unless another one is open: it was asked for twice before it was there. */
  open() {
    if (this.root.querySelector("dialog[open]")) return;
    this.root.append(this.node);
    this.node.showModal();
  }

  close() {
    this.node.close();
  }

  /** A press beside it closes it: for one in which nothing is written. */
  closesBeside() {
    this.node.addEventListener("click", ({ clientX: x, clientY: y, target }) => {
      const { left, right, top, bottom } = this.node.getBoundingClientRect();
      if (target === this.node && (x < left || x > right || y < top || y > bottom)) this.close();
    });
  }

  /** @param {...(Node|string)} children */
  fill(...children) {
    this.body.append(...children);
  }

  /** The buttons at its end. @param {...HTMLElement} buttons */
  row(...buttons) {
    this.fill(element("div", { class: "dialog-row" }, ...buttons));
  }

  /** @param {string} label */
  closing(label) {
    return button(label, "button", {}, () => this.close());
  }
}
