import { ClientOptions } from './index';

declare namespace io {
  interface Broadcast {
    to(rooms: string | string[]): Broadcast;
    in(rooms: string | string[]): Broadcast;
    except(rooms: string | string[]): Broadcast;
    emit(event: string, ...args: unknown[]): boolean;
  }
  interface Socket {
    /** Unset before it is connected. */
    readonly id: string | undefined;
    readonly connected: boolean;
    on(event: string, listener: (...args: any[]) => void): this;
    once(event: string, listener: (...args: any[]) => void): this;
    off(event?: string, listener?: (...args: any[]) => void): this;
    to(rooms: string | string[]): Broadcast;
    in(rooms: string | string[]): Broadcast;
    except(rooms: string | string[]): Broadcast;
    emit(event: 'join' | 'leave', room: string, callback?: (answer: string | Error) => void): this;
    /** To everyone else in the namespace. A function at the end is called when the message is published. */
    emit(event: string, ...args: unknown[]): this;
    disconnect(): Promise<this>;
    close(): Promise<this>;
  }
  function connect(url: string, options?: ClientOptions): Socket;
}
declare function io(url: string, options?: ClientOptions): io.Socket;
export = io;
