// nmq's client for Node.js. All times are milliseconds; every error is an NmqError, or the reason of an AbortSignal.
// Options are checked before anything is sent: INVALID_ARGUMENT names the option, its value and what is allowed. Where
// names are wanted, a string is one name.

/** A position in a queue: just after the message `sequence` of `epoch`. */
export interface QueuePosition {
  queue: string;
  epoch: string;
  sequence: number;
}

/**
 * Who may hear a message: members of `rooms` and `clients`, everyone if neither is given; minus the excepted ones. One
 * name is a list of one. An empty list of rooms or clients is an error: it would be everyone.
 */
export interface Audience {
  rooms?: string | string[];
  clients?: string | string[];
  exceptRooms?: string | string[];
  exceptClients?: string | string[];
  exceptPublisher?: boolean;
}

/** Either a payload (text is sent as UTF-8) or a value for JSON. */
export interface Content {
  payload?: string | Uint8Array;
  json?: unknown;
  contentType?: string;
  headers?: Record<string, string>;
}

export interface OutgoingMessage extends Content, Audience {
  queue: string;
  event: string;
  key?: string;
  /** The same id inside the server's window is taken once. */
  requestId?: string;
  /** When the message is to enter its queue; at once if unset. */
  deliverAt?: Date;
  /** From when on it is not delivered any more; a gap says so. */
  expireAt?: Date;
}

export interface Message extends QueuePosition {
  event: string;
  payload: Buffer;
  id: string;
  publishTime: Date;
  /** The id of the client that published; empty if it had no session. */
  publisher: string;
  headers: Record<string, string>;
  contentType: string;
  key: string;
  rooms: string[];
  /** Set if somebody waits for an answer. */
  replyTo: string;
  /** In a group: 2 or more if the message was delivered before; 0 for the first time, and outside groups. */
  attempt: number;
  /** Names this delivery by the group, for an Acknowledgement; "0" outside groups. */
  delivery: string;
  /** Set in a queue of dead letters: where the message comes from, and why it is here. */
  deadLetter?: QueuePosition & { group: string; attempts: number; reason: string; time: Date };
}

/** Messages that will not come. */
export interface Gap {
  queue: string;
  epoch: string;
  first: number;
  /** 0 if not known. */
  last: number;
  /** How many at the most; unset if not known. */
  count?: number;
  reason:
    | 'GAP_REASON_SLOW_SUBSCRIBER'
    | 'GAP_REASON_NOT_HELD'
    | 'GAP_REASON_EPOCH_CHANGED'
    | 'GAP_REASON_DROPPED_NEWEST'
    | 'GAP_REASON_SUPERSEDED'
    | 'GAP_REASON_EXPIRED'
    | 'GAP_REASON_PURGED'
    | 'GAP_REASON_RETENTION';
}

export class NmqError extends Error {
  /** As gRPC names it, such as "NOT_FOUND". */
  code: string;
  /** What the server said, without code and hint. */
  details: string;
  /** An UPPER_SNAKE word for programs; empty if the server named none. */
  reason: string;
  metadata: Record<string, string>;
  /** How long to wait before trying again; unset if waiting does not help. */
  retryAfter?: number;
  /** What to do. */
  hint: string;
}

export interface ClientOptions {
  /** "default" if empty. */
  namespace?: string;
  name?: string;
  labels?: Record<string, string>;
  /** How long the client outlives a lost connection. */
  lease?: number;
  /** The session of an earlier client, to be that client again if its lease still runs. */
  session?: string;
  /** Bounds one attempt to reach the server. Default 3000. */
  connectTimeout?: number;
  /** How long connecting keeps trying. Default 3000. */
  waitForServer?: number;
  /** Bounds a call, attempts included. Default 10000. */
  timeout?: number;
  backoff?: { initial?: number; max?: number; factor?: number };
  /**
   * PEM files for TLS: the CAs that servers are checked against, and this client's certificate with its private key, for
   * servers that ask for one. Plain text if none is named, here or by NMQ_TLS_CA, NMQ_TLS_CERTIFICATE, NMQ_TLS_KEY.
   */
  tlsCa?: string;
  tlsCertificate?: string;
  tlsKey?: string;
  /**
   * Says who calls, to a server that asks; NMQ_TOKEN if none is given. It goes as it is over a connection without TLS. A
   * function is asked for each call, so that the token can be renewed: streams that end because theirs has expired begin
   * again with the new one.
   */
  token?: string | (() => string);
  /** ChannelCredentials of @grpc/grpc-js instead of the files for TLS. */
  credentials?: unknown;
  /** Default true. If false, messages carry no publisher; a client that only publishes never enters the namespace. */
  publishWithSession?: boolean;
  /** Called for each attempt to enter the namespace that found no server, and will be followed by another. */
  onConnectError?: (error: NmqError) => void;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface PublishResult {
  id: string;
  epoch: string;
  sequence: number;
  /** Subscriptions that will hear the message; set if asked for. */
  matched?: number;
  duplicate: boolean;
  storage: 'STORAGE_MEMORY' | 'STORAGE_BUFFERED' | 'STORAGE_SYNCED';
}

export interface PublishOptions extends CallOptions {
  /** Publishes only if this is the queue's last sequence. */
  expectedLastSequence?: number;
  countMatches?: boolean;
  timeout?: number;
}

export interface Answer {
  clientId: string;
  payload: Buffer;
  contentType: string;
  headers: Record<string, string>;
  /** Set if it could not answer. */
  error?: NmqError;
}

export interface RequestResult {
  answers: Answer[];
  matched: number;
  /** False if answers are missing. */
  complete: boolean;
  position: QueuePosition;
}

/** Names, or patterns where `*` stands for one token and a trailing `**` for the rest. */
export interface Pattern {
  queue: string;
  /** Every event if empty. */
  event?: string;
}

export type Start =
  | 'new'
  | 'earliest'
  | { last: number }
  | { sequence: number }
  | { time: Date }
  | { after: QueuePosition[] };

/** What is not given is as the server has it, or as the group has it already. */
export interface GroupOptions {
  name: string;
  /**
   * How long a member has before a message is taken back, from when it is handed out; what waits in the client is
   * extended meanwhile. Default 30000.
   */
  ackDeadline?: number;
  /** How often a message is delivered before it is a dead letter. Default 5. */
  attemptsMax?: number;
  /** How long a message waits before it comes again, doubled each time up to backoffMax. */
  backoff?: number;
  backoffMax?: number;
  /** Messages of the same key go to the same member, in order, as long as that member lives. */
  byKey?: boolean;
  /** Rooms whose messages the group hears, too. */
  rooms?: string | string[];
  /** Default: the queue's name with ".dead". */
  deadLetterQueue?: string;
  /**
   * What this member may have unacknowledged: what it works at, and what waits in the client meanwhile. Default 16
   * messages and 1 MiB; fewer leave more to the other members, more are for a member that works at many at a time.
   */
  creditMessages?: number;
  creditBytes?: number;
}

/** A message that a group delivered. */
export type Delivered = Pick<Message, 'queue' | 'sequence' | 'delivery'>;

/**
 * What became of one message, or of all with sequences from `first` to `last`: one of the four. `delivery` is that of
 * the messages: once another member has a message, nothing is noted for it.
 */
export type Acknowledgement = { first: number; last?: number; delivery: string } & (
  | { done: true }
  | { retryAfter: number }
  | { extend: number }
  | { terminate: string }
);

export interface SubscribeOptions extends CallOptions, Partial<Pattern> {
  /** More than one pattern, in place of queue and event. */
  patterns?: Pattern[];
  /** Joined in the same step. */
  rooms?: string | string[];
  start?: Start;
  /** Shares one durable queue with the other members; each message must be acknowledged, and may come again. */
  group?: string | GroupOptions;
  overflow?:
    | 'OVERFLOW_DROP_OLDEST'
    | 'OVERFLOW_DISCONNECT'
    | 'OVERFLOW_DROP_NEWEST'
    | 'OVERFLOW_KEEP_LATEST'
    | 'OVERFLOW_HOLD';
  /** With OVERFLOW_DROP_NEWEST: how many messages may wait in each queue. */
  overflowMessages?: number;
  /** Only messages that have all of these headers, with that value if there is one. */
  headers?: { name: string; value?: string }[];
  /** Called between the messages, in place. Without it, gaps are warnings of the process (type NmqGap). */
  onGap?: (gap: Gap) => void;
  onState?: (state: 'connected' | 'reconnecting', error?: NmqError) => void;
  readyTimeout?: number;
}

/**
 * The messages. A lost connection is no end: the subscription reconnects with backoff and resumes after the last
 * position of each queue, so that every message or a gap arrives, and none twice. It reads when it is asked for the
 * next message. Ends after close() or the client's close(); rejects when the server refuses to go on, or with the
 * reason of the signal.
 */
export interface Subscription extends AsyncIterableIterator<Message> {
  /** The id that the Registry shows, of the present stream. */
  readonly id: string;
  /** The last position of each queue that was handed out, for `start: {after}` in another run. */
  readonly positions: QueuePosition[];
  /** For members of a group. The work on these is done. Resolves to how many of them the group still waited for. */
  done(...messages: Delivered[]): Promise<number>;
  /** Not done: to be delivered again, to any member, after this time at the earliest. */
  retryAfter(message: Delivered, milliseconds?: number): Promise<number>;
  /** Still at work: the group waits for this long, from now. */
  extend(message: Delivered, milliseconds: number): Promise<number>;
  /** Nobody can do it: a dead letter, with this reason. */
  terminate(message: Delivered, reason: string): Promise<number>;
  close(): void;
  /** close(), by `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Where a message went. sequence: 0 if the server did not say, as for messages with a deliverAt. duplicate: this is where
 * an earlier one with the same requestId went. storage: of the whole batch.
 */
export interface Published extends QueuePosition {
  duplicate: boolean;
  storage: 'STORAGE_MEMORY' | 'STORAGE_BUFFERED' | 'STORAGE_SYNCED';
}

/**
 * What became of messages since the flush before. unknown: the stream broke before their answer came; they may be in
 * their queues or not, and are not sent again. error: the first; unset if all were accepted.
 */
export interface FlushResult {
  accepted: number;
  refused: number;
  unknown: number;
  error?: NmqError;
}

/**
 * Publishes fast, in batches that make themselves: what is published in one go, and what comes while answers are awaited,
 * travels together, in order. A broken stream is opened again, with backoff, for `giveUpAfter`: what had been sent without
 * an answer is unknown, what had not been sent is sent then.
 */
export interface Publisher {
  /**
   * Takes a message, whose fate flush() or close() tells. False: many wait already; await room() before the next one.
   * Beyond 64 MiB that wait it throws RESOURCE_EXHAUSTED.
   */
  add(message: OutgoingMessage): boolean;
  /** As add, for who wants to know of this message: resolves when the queue holds it. */
  publish(message: OutgoingMessage): Promise<Published>;
  /** Resolves when more may be added. */
  room(): Promise<void>;
  /** Resolves when all that was added so far is answered or given up. */
  flush(): Promise<FlushResult>;
  /** Flushes, for so long (default 10000 ms), and ends. What is unanswered then is unknown or refused. */
  close(options?: { timeout?: number }): Promise<FlushResult>;
  /** close(), by `await using`; throws the first error that no flush() told. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Counters {
  publishedMessages: number;
  publishedBytes: number;
  deliveredMessages: number;
  deliveredBytes: number;
  droppedMessages: number;
  refusedRequests: number;
}

export interface NamespaceInfo {
  name: string;
  automaticQueues: boolean;
  clients: number;
  rooms: number;
  queues: number;
  subscriptions: number;
  counters: Counters;
}

export interface QueueInfo {
  namespace: string;
  name: string;
  durability: 'DURABILITY_LIVE' | 'DURABILITY_DURABLE' | 'DURABILITY_BUFFERED';
  events: string[];
  retention: { bytes: number; messages: number; age?: number };
  automatic: boolean;
  epoch: string;
  firstSequence: number;
  lastSequence: number;
  bytes: number;
  subscriptions: number;
  counters: Counters;
}

export interface RoomInfo {
  namespace: string;
  name: string;
  members: number;
  createTime: Date;
}

export interface ClientInfo {
  namespace: string;
  id: string;
  name: string;
  labels: Record<string, string>;
  peer: string;
  connectTime: Date;
  leaseEndTime?: Date;
  lease: number;
  rooms: string[];
  subscriptions: string[];
  counters: Counters;
  /** Who made it; empty if the server asks nobody. */
  identity: string;
}

export interface SubscriptionInfo {
  namespace: string;
  id: string;
  clientId: string;
  clientName: string;
  patterns: Pattern[];
  overflow: string;
  peer: string;
  startTime: Date;
  queues: number;
  lagMessages: number;
  inFlightBytes: number;
  counters: Counters;
  /** The group that it is a member of; empty if it is of none. */
  group: string;
  /** Who its client is; empty if the server asks nobody. */
  identity: string;
}

export type Right =
  | 'RIGHT_CONNECT'
  | 'RIGHT_PUBLISH'
  | 'RIGHT_SUBSCRIBE'
  | 'RIGHT_JOIN'
  | 'RIGHT_INSPECT'
  | 'RIGHT_ADMIN';

/** What is granted to an identity; empty lists of queues and rooms are all of them. */
export interface GrantInfo {
  namespace: string;
  queues: string[];
  rooms: string[];
  rights: Right[];
  /** Of the file that nmqd --access names. */
  line: number;
}

/** What Registry.explain answers. */
export interface Explanation {
  /** Empty if the server asks nobody. */
  identity: string;
  knownBy: string;
  tokenId: string;
  expireTime?: Date;
  grants: GrantInfo[];
  /** Whether there is the right that was asked for. */
  allowed: boolean;
  by?: GrantInfo;
}

/** A group as it is; `options` without what is a member's own. */
export interface GroupInfo {
  namespace: string;
  queue: string;
  options: GroupOptions;
  events: Pattern[];
  members: number;
  lagMessages: number;
  pendingMessages: number;
  waitingMessages: number;
  floorSequence: number;
  deliveredSequence: number;
  paused: boolean;
  doneMessages: number;
  redeliveredMessages: number;
  deadMessages: number;
  lostMessages: number;
}

export interface Change {
  revision: number;
  time: Date;
  kind: string;
  namespace: string;
  clientId: string;
  clientName: string;
  room: string;
  queue: string;
  subscriptionId: string;
  reason: string;
}

export interface ListOptions extends CallOptions {
  /** The client's own if unset. */
  namespace?: string;
  /** Entries a page; as many as the server likes if unset. */
  pageSize?: number;
}

export interface ClientFilter {
  room?: string;
  queue?: string;
  event?: string;
  labels?: Record<string, string>;
  name?: string;
}

/** Read-only lists; each asks for the next page when it needs it. */
export interface Registry {
  namespaces(options?: ListOptions): AsyncGenerator<NamespaceInfo>;
  queues(options?: ListOptions & { queue?: string }): AsyncGenerator<QueueInfo>;
  rooms(options?: ListOptions & { room?: string }): AsyncGenerator<RoomInfo>;
  clients(options?: ListOptions & ClientFilter): AsyncGenerator<ClientInfo>;
  subscriptions(
    options?: ListOptions & { clientId?: string; queue?: string; event?: string },
  ): AsyncGenerator<SubscriptionInfo>;
  groups(options?: ListOptions & { queue?: string }): AsyncGenerator<GroupInfo>;
  client(clientId: string, options?: CallOptions & { namespace?: string }): Promise<ClientInfo>;
  countClients(options?: CallOptions & ClientFilter & { namespace?: string }): Promise<number>;
  /** Who one is to the server and what one may do, and whether one has a right. */
  explain(
    options?: CallOptions & { namespace?: string; right?: Right; queue?: string; room?: string; identity?: string },
  ): Promise<Explanation>;
  /** Endless; the first one says that the watch is live. */
  watch(
    options?: CallOptions & { namespace?: string; afterRevision?: number },
  ): AsyncGenerator<{ revision: number; changes: Change[] }>;
}

/** What a queue holds at the most; the server's limits where nothing is given. */
export interface Retention {
  bytes?: number;
  messages?: number;
  age?: number;
}

export interface NamespaceOptions extends CallOptions {
  /** The client's own if unset. */
  namespace?: string;
}

/**
 * Changes what the server keeps, and who is where. Nothing here repeats itself when it may have been carried out. What
 * nmqd's configuration file declares is refused, reason DECLARED. `kept`: it survives a restart.
 */
export interface Admin {
  /** automaticQueues: publishing to an unknown queue makes it. */
  createNamespace(
    name: string,
    options?: CallOptions & { automaticQueues?: boolean },
  ): Promise<{ namespace: NamespaceInfo; kept: boolean }>;
  updateNamespace(name: string, options?: CallOptions & { automaticQueues?: boolean }): Promise<NamespaceInfo>;
  /** With its queues; its clients are disconnected. */
  deleteNamespace(name: string, options?: CallOptions): Promise<void>;
  /** durability: live if unset. events: those it accepts; any if empty. */
  createQueue(
    name: string,
    options?: NamespaceOptions & {
      durability?: QueueInfo['durability'];
      events?: string | string[];
      retention?: Retention;
    },
  ): Promise<{ queue: QueueInfo; kept: boolean }>;
  /** What is not given stays as it was; an empty list of events accepts any. */
  updateQueue(
    name: string,
    options?: NamespaceOptions & { events?: string | string[]; retention?: Retention },
  ): Promise<QueueInfo>;
  /** With its messages, of which it resolves to the number, and groups. */
  deleteQueue(name: string, options?: NamespaceOptions): Promise<number>;
  /** Gives its messages up, those up to a sequence or all; resolves to how many. */
  purgeQueue(name: string, options?: NamespaceOptions & { upToSequence?: number }): Promise<number>;
  /** events: names or patterns. start: new messages if unset; not `last` or `after`. */
  createGroup(
    queue: string,
    group: string | GroupOptions,
    options?: NamespaceOptions & { events?: string | string[]; start?: Start },
  ): Promise<GroupInfo>;
  /** Its members' streams end. */
  deleteGroup(queue: string, group: string, options?: NamespaceOptions): Promise<void>;
  /** Nothing is delivered until it is resumed. */
  pauseGroup(queue: string, group: string, options?: NamespaceOptions): Promise<GroupInfo>;
  resumeGroup(queue: string, group: string, options?: NamespaceOptions): Promise<GroupInfo>;
  /** To another place; what was pending is forgotten. */
  seekGroup(queue: string, group: string, start: Start, options?: NamespaceOptions): Promise<GroupInfo>;
  /** Publishes dead letters anew where they come from, the oldest first; all, or so many. */
  redriveDeadLetters(
    queue: string,
    options?: NamespaceOptions & { messagesMax?: number },
  ): Promise<{ messages: number; stoppedAtSequence: number; stoppedBecause: string }>;
  /** Makes the clients that match, or all, join and leave rooms. */
  moveClients(
    options: NamespaceOptions & ClientFilter & { all?: boolean; join?: string | string[]; leave?: string | string[] },
  ): Promise<{ clients: number; refused: number }>;
  /** Ends the streams and sessions of the clients that match, or of all; resolves to how many. */
  disconnectClients(options: NamespaceOptions & ClientFilter & { all?: boolean; reason?: string }): Promise<number>;
}

/**
 * A client in one namespace, over one connection; connects with the first call that needs it. The server forgets a
 * client whose lease ran out, and all clients when it restarts: then the library connects anew, joins the rooms again
 * and repeats the call; clientId is another one then.
 */
export class Client {
  /** HOST:PORT; NMQ_SERVER or 127.0.0.1:50051 if empty. */
  constructor(server?: string, options?: ClientOptions);
  readonly clientId: string;
  /** The secret handle of this client, for `session` of a later one. */
  readonly session: string;
  readonly resumed: boolean;
  /** What the server bounds, as nmq.v1.Limits. */
  readonly limits: Record<string, number>;
  readonly rooms: string[];
  readonly registry: Registry;
  readonly admin: Admin;
  connect(): Promise<this>;
  /** Enters rooms, all or none; how many clients are in each. */
  join(rooms: string | string[], options?: CallOptions): Promise<Record<string, number>>;
  leave(rooms: string | string[], options?: CallOptions): Promise<Record<string, number>>;
  /**
   * Resolves when the queue holds the message. Repeats itself only when the message cannot have been taken, or if it
   * has a requestId: UNAVAILABLE without a reason, and DEADLINE_EXCEEDED, may mean that the answer was lost. Without a
   * connection it waits for waitForServer at the most; then the reason is NOT_SENT, and nothing was carried out.
   */
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<PublishResult>;
  /** The fast way in, for many messages. giveUpAfter: how long it tries to reach the server; default `timeout`. */
  publisher(options?: { giveUpAfter?: number }): Publisher;
  /** Asks whoever hears the message, and waits for the answers. */
  request(
    message: OutgoingMessage,
    options?: CallOptions & { timeout?: number; repliesMax?: number },
  ): Promise<RequestResult>;
  /** Answers a message that has `replyTo`, once. `error` says why there is no answer. */
  reply(question: Pick<Message, 'replyTo'>, answer?: Content & { error?: Error | string }, options?: CallOptions): Promise<void>;
  /** Resolves when the subscription is live. */
  subscribe(options?: SubscribeOptions): Promise<Subscription>;
  /** Says what became of messages that a group delivered, many at a time; resolves when the server has noted it. */
  acknowledge(
    queue: string,
    group: string,
    acknowledgements: Acknowledgement[],
    options?: CallOptions,
  ): Promise<{ noted: number; notPending: number }>;
  /** Ends all subscriptions and leaves; with leave: false the server keeps the client for its lease. */
  close(options?: { leave?: boolean }): Promise<void>;
  /** close(), by `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client that has entered its namespace. */
export function connect(server?: string, options?: ClientOptions): Promise<Client>;
