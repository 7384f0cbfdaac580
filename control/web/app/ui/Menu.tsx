import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import styles from './Menu.module.css';

export interface Item {
  id: string;
  text: string;
  icon?: React.ReactNode;
  act: () => void;
  disabled?: boolean;
}

/** A button, given as children, that opens a menu. */
export function Menu({
  name,
  items,
  children,
}: {
  name: string;
  items: readonly Item[];
  children: React.ReactNode;
}) {
  return (
    <MenuTrigger>
      {children}
      <Popover className={styles['popover'] ?? ''} placement="bottom end">
        <AriaMenu className={styles['menu'] ?? ''} aria-label={name}>
          {items.map(item => (
            <MenuItem
              key={item.id}
              id={item.id}
              className={styles['item'] ?? ''}
              textValue={item.text}
              onAction={item.act}
              isDisabled={item.disabled === true}
            >
              {item.icon}
              {item.text}
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
