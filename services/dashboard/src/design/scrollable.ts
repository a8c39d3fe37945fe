/** For an element that scrolls and holds nothing to press: it has to be reachable by keyboard. */
export const scrollable = { tabIndex: 0 } as const;
