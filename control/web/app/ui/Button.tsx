import { Button as AriaButton, type ButtonProps } from 'react-aria-components';
import { useOnline } from '../shell/health';
import { useT } from '../shell/words';
import styles from './Button.module.css';

type Look = 'main' | 'plain' | 'quiet' | 'danger';

interface Props extends Omit<ButtonProps, 'className' | 'children' | 'isPending'> {
  look?: Look;
  /** It changes something on the server: without a network it says why it is dead. */
  writes?: boolean;
  /** What it does is under way: it keeps its label, its place and the focus, and a press does nothing. */
  busy?: boolean;
  children: React.ReactNode;
}

const classes: Record<Look, string> = {
  main: 'button main',
  plain: 'button',
  quiet: 'button quiet',
  danger: `button ${styles['danger'] ?? ''}`,
};

export function Button({
  look = 'plain',
  writes = false,
  busy = false,
  children,
  isDisabled,
  type = 'button',
  onPress,
  ...rest
}: Props) {
  const t = useT();
  const offline = !useOnline() && writes;
  // React Aria's own isPending would tell readers of a button that may be gone when they hear of it.
  return (
    <AriaButton
      {...rest}
      className={`${classes[look]} ${styles['button'] ?? ''} ${busy ? (styles['busy'] ?? '') : ''}`}
      isDisabled={offline || isDisabled === true}
      type={busy ? 'button' : type}
      aria-disabled={busy}
      {...(onPress && !busy ? { onPress } : {})}
    >
      {offline ? t('offline.button') : children}
    </AriaButton>
  );
}

/** A button that is an icon; name says what it does. */
export function IconButton({
  name,
  children,
  ...rest
}: Omit<Props, 'look' | 'writes' | 'busy'> & { name: string }) {
  return (
    <AriaButton {...rest} aria-label={name} className={`button quiet ${styles['icon'] ?? ''}`}>
      {children}
    </AriaButton>
  );
}
