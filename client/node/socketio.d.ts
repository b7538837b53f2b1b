import { ClientOptions } from './index';

declare namespace io {
  interface SocketOptions extends ClientOptions {
    /** Default true. If false, connect() does it. */
    autoConnect?: boolean;
  }
  /** Where and how an emit goes. `to` and `except` add to what is there; an empty list of rooms is an error. */
  interface Broadcast {
    to(rooms: string | string[]): Broadcast;
    in(rooms: string | string[]): Broadcast;
    except(rooms: string | string[]): Broadcast;
    /** To everyone else in the namespace; answers are those of all. */
    readonly broadcast: Broadcast;
    /** Dropped, in place of waiting, while the socket is not connected. */
    readonly volatile: Broadcast;
    /** Bounds the wait for answers: a function at the end of emit is called with an error or the answer, or a list. */
    timeout(milliseconds: number): Broadcast;
    emit(event: string, ...args: any[]): boolean;
    /**
     * Asks, and resolves to the answer that a listener gave by the function at the end of its arguments; after `to`,
     * `except` and `broadcast` to the list of all answers. Rejects when none came in time (default 5000), with those
     * that came as `answers`.
     */
    emitWithAck(event: string, ...args: any[]): Promise<any>;
  }
  interface Socket {
    /** Unset while it is not connected. */
    readonly id: string | undefined;
    readonly connected: boolean;
    readonly disconnected: boolean;
    /** Whether it is connected, or tries to be. */
    readonly active: boolean;
    connect(): this;
    open(): this;
    on(event: string, listener: (...args: any[]) => void): this;
    addListener(event: string, listener: (...args: any[]) => void): this;
    once(event: string, listener: (...args: any[]) => void): this;
    off(event?: string, listener?: (...args: any[]) => void): this;
    removeListener(event?: string, listener?: (...args: any[]) => void): this;
    removeAllListeners(event?: string): this;
    listeners(event: string): ((...args: any[]) => void)[];
    hasListeners(event: string): boolean;
    /** Called with the name and the arguments of each event that another client emitted. */
    onAny(listener: (event: string, ...args: any[]) => void): this;
    prependAny(listener: (event: string, ...args: any[]) => void): this;
    offAny(listener?: (event: string, ...args: any[]) => void): this;
    listenersAny(): ((event: string, ...args: any[]) => void)[];
    to(rooms: string | string[]): Broadcast;
    in(rooms: string | string[]): Broadcast;
    except(rooms: string | string[]): Broadcast;
    readonly broadcast: Broadcast;
    readonly volatile: Broadcast;
    timeout(milliseconds: number): Broadcast;
    /**
     * To everyone else in the namespace. A function at the end is called when the message is published, or with the
     * error. 'join' and 'leave' with a room or a list of rooms enter and leave them, and the function is called with
     * "Joined ..." and "Left ...".
     */
    emit(event: string, ...args: any[]): this;
    emitWithAck(event: string, ...args: any[]): Promise<any>;
    /** emit('message', ...args). */
    send(...args: any[]): this;
    disconnect(): Promise<this>;
    close(): Promise<this>;
  }
  function connect(url: string, options?: SocketOptions): Socket;
  function io(url: string, options?: SocketOptions): Socket;
}
declare function io(url: string, options?: io.SocketOptions): io.Socket;
export = io;
