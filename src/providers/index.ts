// The kinds of managed API that a policy may name. For policy's schema and the router.

export const providers = {} as const;
