/** Start a server for all workers, unless VAMBE_MOCK_URL names one; returns how to stop it. */
export default function setup(): Promise<(() => Promise<void>) | undefined>;

/** Stop the server that `setup` has started. */
export function teardown(): Promise<void>;
