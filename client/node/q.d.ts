/** The original @nmq/q/client, on nmqd at Q_SERVER (default http://127.0.0.1:50051; a path names the namespace). */
declare class Q {
  constructor(queue: string);
  readonly q: string;
  /** Calls back with the payload of each such event. */
  subscribe(event: string, callback: (payload: any) => void): void;
  /** The events that are subscribed to. */
  subscriptions(): string[];
  unsubscribe(event: string): Promise<void>;
  disconnect(): Promise<void>;
  /** Resolves when the queue holds the message; a failure is also reported on the console. */
  static publish(queue: string, event: string, payload?: unknown): Promise<void>;
}
export = Q;
