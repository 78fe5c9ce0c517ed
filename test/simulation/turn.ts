// One turn of Node's event loop, which simulations ask for. For the tests of src/simulation.
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
