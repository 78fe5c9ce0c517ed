// The shape of the whole pipeline: a plain function, whichever way the request came in. For router and all ways in.
import type { InferenceReply } from './reply.ts';
import type { InferenceRequest } from './request.ts';

/** Answers or throws a RouterError. The reply's first content (or whole body) is there when the promise resolves. */
export type Service<Request, Reply> = (request: Request) => Promise<Reply>;

/** Wraps a service; composed once at start, never per request. */
export type Layer<Request, Reply> = (inner: Service<Request, Reply>) => Service<Request, Reply>;

export type InferenceService = Service<InferenceRequest, InferenceReply>;
