/** From where on VPIN is called medium, and high. */
export const vpinLevels = { medium: 0.3, high: 0.6 } as const;
